"How `show_doc` draws a symbol in the rendered book, where the source follows anyway: docstring and a table of the parameters."
import re
from nbdev.showdoc import BasicMarkdownRenderer, DocmentTbl

class TableRenderer(BasicMarkdownRenderer):
    "Heading, link to the source, docstring, docments table."
    def _repr_markdown_(self):
        try: table = DocmentTbl(self.sym)._repr_markdown_() or ''
        except Exception: table = ''        # data and classes without a signature have no table
        return re.sub(r'```python.*?```\n*', '', super()._repr_markdown_(), flags=re.S) + '\n\n' + table

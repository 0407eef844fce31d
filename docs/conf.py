"""The site: `make docs` builds it, without a network."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import restore  # noqa: E402

project = "restore"
author = copyright = "The restore authors"
version = release = restore.__version__
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
    "sphinx_copybutton",
    "generated",
]
html_theme = "furo"
html_title = "restore"
html_static_path = ["_static"]
html_css_files = ["site.css"]
templates_path = ["_templates"]
exclude_patterns = [
    *("_templates", "gallery/*.ipynb", "gallery/*.py", "gallery/*.zip", "gallery/*.md5"),
    *("_generated/protocols.md", "_generated/experiments.md", "_generated/figures.md"),
    *("_generated/kornia.md", "_generated/albumentations.md"),  # parts of other pages
]
suppress_warnings = ["config.cache"]  # sphinx-gallery's settings hold a function

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
autosummary_generate = True
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False  # Lightning's and torch's stand in their own documentation
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_custom_sections = ["Shape", "Deviations", "Conditions"]
python_use_unqualified_type_names = True

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_signature": False,
    "write_computation_times": False,  # its page loads scripts from elsewhere
    "abort_on_example_error": True,
}

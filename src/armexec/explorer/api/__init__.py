"""Compiler Explorer's API, for its clients: `cexpl`, editors' plugins, curl. `armexec explore --api` serves it.

`routes.py` answers requests. `catalogue.py` lists languages, compilers and examples, `requests.py` reads compilations,
`answers.py` writes their results, `links.py` keeps short links. `building.py` and what it uses run in the builders;
`programs.py` has runners execute programs.
"""

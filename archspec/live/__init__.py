"""A spec while it is written, shown elsewhere: to editors by the Language Server Protocol, to a browser as a page that renews itself."""

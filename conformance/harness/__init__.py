"""What the suites drive the product with: processes, clients, and a little arithmetic.

Nothing here knows what the product is made of. It starts the binary, talks to its sockets, and
reads what endpoints of our own wrote down.
"""

"""The edge from outside: certificates, HTTP/2 frame by frame, WebSocket, floods and their cost."""

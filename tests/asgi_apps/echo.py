"""What the tests have other servers load, in processes of their own."""

from ordercast.asgi import HubApp
from ordercast.hub import Server

hub = Server()
hub.event("echo", lambda _socket, *args: args)
app = HubApp(hub)

"""The hub in other people's servers and frameworks.

::

    from ordercast.asgi import HubApp

    app = HubApp(hub, other_app=fastapi_app)  # uvicorn main:app
"""

from ordercast.wire.hub_app import HubApp

__all__ = ["HubApp"]

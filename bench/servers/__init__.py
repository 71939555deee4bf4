"""The servers under measure: the same four events, each written as its library's own guide would write it.

``echo`` acknowledges its argument; ``join`` enters a room; ``fan`` emits a payload to everybody so many times;
``rooms`` emits it once to each room named. Arguments: port, ping interval and ping timeout in milliseconds.
"""

"""The whole river, as people and programs meet it: real processes, a real browser, the stock clients, `kill -9`."""

import http.client

connection = http.client.HTTPSConnection("models.example.com", timeout=5)
connection.request("GET", "/")

module pointsman/socket-proxy

go 1.24

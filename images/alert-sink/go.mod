module pointsman/alert-sink

go 1.24

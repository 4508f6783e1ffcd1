Reads text and writes it backwards

>,[>,]<[.<]

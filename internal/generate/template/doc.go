// Package template makes records from templates of the Amazon Kinesis Data Generator: text in which
// {{module.method(arguments)}} is replaced, in each record again, by what that method of faker.js
// would give.
//
// A template is read as the generator reads it: blanks at its ends and all line feeds are removed
// (other blanks stay), and the first {{current.timestamp}} means {{date.now}}. The arguments of a
// method are the text between the first parenthesis and the next closing one, as JSON, and as a
// string if they are none. Several arguments, which only later versions of faker.js take, are taken
// too. The words that names and the like are made of come from gofakeit: they are other words than
// those of faker.js.
//
// What differs on purpose: a method that does not exist is an error of Parse, with its place, and
// not of the first record; date.now and date.utc take a format, as the generator's help says; a }}
// that stands before the next {{ is text.
package template

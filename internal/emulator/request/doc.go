// Package request reads what a request to the API says, in whatever form it came:
// JSON, a form, parts or the query, with a right or a wrong label. Read does it.
//
//   - read.go: what a body is; form.go: forms and queries; wellformed.go: broken
//     Unicode
//   - params.go and whole.go: parameters as text, numbers, lists and objects
//   - universal.go: the prefixes value_ and delimiter_value_
//   - remarks.go: what people should know about the request
package request

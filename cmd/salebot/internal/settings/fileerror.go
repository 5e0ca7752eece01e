package settings

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	engine "github.com/salebot-go/salebot/internal/emulator"
)

// FileError is a mistake in a file.
type FileError struct {
	// File is the name of the file.
	File string
	// Line counts from 1; 0 means that it is not known.
	Line int
	// Place is where in the file's values it is, such as blocks[1].condition; it may
	// be empty.
	Place string
	// Problem says what is wrong.
	Problem string
}

// Error implements error.
func (e *FileError) Error() string {
	text := e.File
	if e.Line > 0 {
		text += ": line " + strconv.Itoa(e.Line)
	}
	if e.Place != "" {
		text += ": " + e.Place
	}
	return text + ": " + e.Problem
}

// inFile says in which file mistakes are.
func inFile(path string, problems []*FileError) error {
	all := make([]error, len(problems))
	for i, problem := range problems {
		problem.File = path
		all[i] = problem
	}
	return errors.Join(all...)
}

// largestLocated bounds the files in which the lines of mistakes are looked for.
const largestLocated = 32 << 20

// located says on which lines the mistakes of a project are.
func located(path string, text []byte, err error) error {
	if err == nil {
		return nil
	}
	var document yaml.Node
	if len(text) <= largestLocated && yaml.Unmarshal(text, &document) != nil {
		document = yaml.Node{} // it was JSON that is no YAML
	}
	var problems []*FileError
	for _, one := range separate(err) {
		mistake, known := errors.AsType[*engine.ProjectError](one)
		if !known {
			problems = append(problems, &FileError{Problem: one.Error()})
			continue
		}
		problem := &FileError{Place: mistake.Place, Problem: mistake.Problem}
		if len(document.Content) > 0 {
			problem.Line = lineOf(document.Content[0], mistake.Place)
		}
		problems = append(problems, problem)
	}
	return inFile(path, problems)
}

// separate takes joined errors apart.
func separate(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, one := range joined.Unwrap() {
		all = append(all, separate(one)...)
	}
	return all
}

// lineOf is the line of a place, or of the nearest one around it that the file has.
func lineOf(node *yaml.Node, place string) int {
	line := node.Line
	for _, step := range strings.FieldsFunc(strings.ReplaceAll(place, "[", ".["), func(r rune) bool { return r == '.' }) {
		if node.Kind == yaml.AliasNode {
			node = node.Alias
		}
		var next *yaml.Node
		var index int
		if _, err := fmt.Sscanf(step, "[%d]", &index); err == nil {
			if node.Kind == yaml.SequenceNode && index < len(node.Content) {
				next = node.Content[index]
			}
		} else if node.Kind == yaml.MappingNode {
			for i := 0; i+1 < len(node.Content); i += 2 {
				if node.Content[i].Value == step {
					next, line = node.Content[i+1], node.Content[i].Line
				}
			}
		}
		if next == nil {
			return line
		}
		if next.Line > line || next.Kind != yaml.MappingNode && next.Kind != yaml.SequenceNode {
			line = next.Line
		}
		node = next
	}
	return line
}

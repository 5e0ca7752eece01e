package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// mutant is one change of the source. All mutants of a package are compiled in;
// the one with the number that an environment variable names is active.
type mutant struct {
	ID      int
	Package string
	File    string
	Line    int
	// What says what the change does, Source is the line that it changes.
	What, Source string
}

// edit inserts a text at an offset, or replaces what stands between two.
type edit struct {
	from, to int
	text     string
	closing  bool
	order    int
}

// source is a file with the mutants in it.
type source struct {
	name  string
	text  []byte
	file  *ast.File
	edits []edit
}

// mutator finds the mutants of one package.
type mutator struct {
	pkg  *packages.Package
	next *int
	// skip are lines, as file:line, on which a mutant did not compile.
	skip    map[string]bool
	mutants []mutant
	src     *source
	// results are the types that the function at hand returns.
	results []ast.Expr
	// locks are the numbers of a function's locks: one that is dropped is dropped
	// with its unlocking.
	locks map[string]int
}

// add notes a mutant at a position and returns its number; ok is false for a line
// that has to be left alone.
func (m *mutator) add(at token.Pos, format string, args ...any) (id int, ok bool) {
	position := m.pkg.Fset.Position(at)
	if m.skip[fmt.Sprintf("%s:%d", position.Filename, position.Line)] {
		return 0, false
	}
	*m.next++
	lines := strings.Split(string(m.src.text), "\n")
	m.mutants = append(m.mutants, mutant{
		ID: *m.next, Package: m.pkg.PkgPath, File: position.Filename, Line: position.Line,
		What: fmt.Sprintf(format, args...), Source: strings.TrimSpace(lines[position.Line-1]),
	})
	return *m.next, true
}

func (m *mutator) offset(at token.Pos) int { return m.pkg.Fset.Position(at).Offset }

// text returns the source of a node.
func (m *mutator) text(node ast.Node) string {
	return string(m.src.text[m.offset(node.Pos()):m.offset(node.End())])
}

// wrap puts texts around a node.
func (m *mutator) wrap(node ast.Node, before, after string) {
	m.edit(m.offset(node.Pos()), m.offset(node.Pos()), before, false)
	m.edit(m.offset(node.End()), m.offset(node.End()), after, true)
}

func (m *mutator) edit(from, to int, text string, closing bool) {
	m.src.edits = append(m.src.edits, edit{from, to, text, closing, len(m.src.edits)})
}

// file finds the mutants of a file.
func (m *mutator) mutate(src *source) {
	m.src = src
	for _, declaration := range src.file.Decls {
		if function, ok := declaration.(*ast.FuncDecl); ok && function.Body != nil {
			m.function(function.Type, function.Body)
		}
	}
}

func (m *mutator) function(signature *ast.FuncType, body *ast.BlockStmt) {
	results, locks := m.results, m.locks
	defer func() { m.results, m.locks = results, locks }()
	m.results, m.locks = nil, map[string]int{}
	if signature.Results != nil {
		for _, field := range signature.Results.List {
			for range max(1, len(field.Names)) {
				m.results = append(m.results, field.Type)
			}
		}
	}
	ast.Inspect(body, m.visit)
}

// visit looks at a node before it looks at what is in it, so that texts around
// the outer one stand outside.
func (m *mutator) visit(node ast.Node) bool {
	switch n := node.(type) {
	case *ast.BlockStmt:
		m.statements(n.List)
	case *ast.CaseClause:
		m.statements(n.Body)
	case *ast.CommClause:
		m.statements(n.Body)
	case *ast.IfStmt:
		m.negate(n.Cond)
	case *ast.ForStmt:
		if n.Cond != nil {
			m.negate(n.Cond)
		}
	case *ast.BinaryExpr:
		m.binary(n)
	case *ast.BasicLit:
		m.number(n)
	}
	return m.goesInto(node)
}

// goesInto reports whether all that is in a node is looked at. If not, it looks at
// what has to be.
func (m *mutator) goesInto(node ast.Node) bool {
	switch n := node.(type) {
	case *ast.FuncLit:
		m.function(n.Type, n.Body)
		return false
	case *ast.GenDecl:
		return n.Tok == token.VAR
	case *ast.ArrayType:
		return false
	case *ast.KeyValueExpr:
		ast.Inspect(n.Value, m.visit)
		return false
	case *ast.CallExpr:
		if isNamed(n.Fun, "make") && len(n.Args) == 3 {
			// A capacity is for speed only.
			ast.Inspect(n.Args[1], m.visit)
			return false
		}
		return !isNamed(n.Fun, "Grow")
	case *ast.ReturnStmt:
		if !m.isFailure(n) {
			return true
		}
		// A number beside an error means nothing.
		for _, result := range n.Results {
			if _, ok := result.(*ast.BasicLit); !ok {
				ast.Inspect(result, m.visit)
			}
		}
		return false
	}
	return true
}

// isNamed reports whether what is called has a name, whatever it belongs to.
func isNamed(called ast.Expr, name string) bool {
	switch c := called.(type) {
	case *ast.Ident:
		return c.Name == name
	case *ast.SelectorExpr:
		return c.Sel.Name == name
	}
	return false
}

// isFailure reports whether a statement returns an error.
func (m *mutator) isFailure(statement *ast.ReturnStmt) bool {
	if len(statement.Results) == 0 {
		return false
	}
	last := statement.Results[len(statement.Results)-1]
	kind := m.pkg.TypesInfo.TypeOf(last)
	return m.text(last) != "nil" && types.Implements(kind, errorType)
}

var errorType = types.Universe.Lookup("error").Type().Underlying().(*types.Interface)

func (m *mutator) statements(list []ast.Stmt) {
	for _, statement := range list {
		switch s := statement.(type) {
		case *ast.ExprStmt:
			if call, ok := s.X.(*ast.CallExpr); ok && !isNamed(call.Fun, "Grow") {
				m.call(s, call, "")
			}
		case *ast.DeferStmt:
			m.call(s, s.Call, "defer ")
		case *ast.GoStmt, *ast.SendStmt, *ast.IncDecStmt, *ast.BranchStmt:
			if branch, ok := s.(*ast.BranchStmt); !ok || branch.Tok == token.BREAK || branch.Tok == token.CONTINUE {
				m.remove(s)
			}
		case *ast.AssignStmt:
			if s.Tok != token.DEFINE && m.text(s.Lhs[0]) != "_" {
				m.remove(s)
			}
		case *ast.ReturnStmt:
			m.zero(s)
		}
	}
}

// call removes a call. A lock goes with its unlocking.
func (m *mutator) call(statement ast.Stmt, call *ast.CallExpr, deferred string) {
	if name, ok := call.Fun.(*ast.Ident); ok && name.Name == "panic" {
		return // the compiler wants it where nothing is returned
	}
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains([]string{"Lock", "Unlock", "RLock", "RUnlock"}, selector.Sel.Name) {
		m.remove(statement)
		return
	}
	key := m.text(selector.X)
	id, seen := m.locks[key]
	if !seen {
		if id, ok = m.add(statement.Pos(), "without the lock %s%s", deferred, key); !ok {
			return
		}
		m.locks[key] = id
	}
	m.wrap(statement, fmt.Sprintf("if !mutantOn(%d) { ", id), " }")
}

func (m *mutator) remove(statement ast.Stmt) {
	if id, ok := m.add(statement.Pos(), "without the statement"); ok {
		m.wrap(statement, fmt.Sprintf("if !mutantOn(%d) { ", id), " }")
	}
}

// zero returns zero values.
func (m *mutator) zero(statement *ast.ReturnStmt) {
	isZero := func(e ast.Expr) bool {
		if value := m.pkg.TypesInfo.Types[e].Value; value != nil {
			return slices.Contains([]string{"0", `""`, "false"}, value.ExactString())
		}
		if literal, ok := e.(*ast.CompositeLit); ok && len(literal.Elts) == 0 {
			_, ok := m.pkg.TypesInfo.TypeOf(literal).Underlying().(*types.Struct)
			return ok
		}
		return m.text(e) == "nil"
	}
	if len(statement.Results) == 0 || !slices.ContainsFunc(statement.Results, func(e ast.Expr) bool { return !isZero(e) }) {
		return
	}
	zeros := make([]string, len(m.results))
	for i, result := range m.results {
		zeros[i] = "*new(" + m.text(result) + ")"
	}
	if id, ok := m.add(statement.Pos(), "returns zero values"); ok {
		at := m.offset(statement.Pos())
		m.edit(at, at, fmt.Sprintf("if mutantOn(%d) { return %s }; ", id, strings.Join(zeros, ", ")), false)
	}
}

func (m *mutator) negate(condition ast.Expr) {
	if id, ok := m.add(condition.Pos(), "the condition %s is negated", m.text(condition)); ok {
		m.wrap(condition, fmt.Sprintf("mutantOn(%d) != (", id), ")")
	}
}

// binary drops an operand of && and ||, and moves the bounds of comparisons.
func (m *mutator) binary(e *ast.BinaryExpr) {
	if m.isConstant(e) {
		return
	}
	switch e.Op {
	case token.LAND, token.LOR:
		for _, operand := range []ast.Expr{e.X, e.Y} {
			id, ok := m.add(operand.Pos(), "without the operand %s of %s", m.text(operand), e.Op)
			switch {
			case !ok:
			case e.Op == token.LAND:
				m.wrap(operand, fmt.Sprintf("(mutantOn(%d) || (", id), "))")
			default:
				m.wrap(operand, fmt.Sprintf("(!mutantOn(%d) && (", id), "))")
			}
		}
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		if id, ok := m.add(e.Pos(), "the bound of %s is moved", m.text(e)); ok {
			m.wrap(e, fmt.Sprintf("%s(%d, ", comparisons[e.Op], id), ")")
			at := m.offset(e.OpPos)
			m.edit(at, at+len(e.Op.String()), ",", false)
		}
	default:
	}
}

// comparisons are the functions of the switchboard for operators.
var comparisons = map[token.Token]string{
	token.LSS: "mutantLess", token.LEQ: "mutantLessOrEqual", token.GTR: "mutantGreater", token.GEQ: "mutantGreaterOrEqual",
}

func (m *mutator) isConstant(e ast.Expr) bool {
	return m.pkg.TypesInfo.Types[e].Value != nil
}

// number adds one to a whole number.
func (m *mutator) number(literal *ast.BasicLit) {
	kind, ok := m.pkg.TypesInfo.TypeOf(literal).(*types.Basic)
	if literal.Kind != token.INT || !ok || kind.Info()&types.IsUntyped != 0 || kind.Info()&types.IsInteger == 0 {
		return
	}
	if id, ok := m.add(literal.Pos(), "%s is one more", literal.Value); ok {
		m.wrap(literal, fmt.Sprintf("mutantAdd[%s](%d, ", kind.Name(), id), ")")
	}
}

// apply returns the text with all edits.
func (s *source) apply() []byte {
	edits := slices.Clone(s.edits)
	slices.SortStableFunc(edits, func(a, b edit) int {
		switch {
		case a.from != b.from:
			return a.from - b.from
		case a.closing != b.closing:
			// What ends here ends before the next begins.
			if a.closing {
				return -1
			}
			return 1
		case a.closing:
			return b.order - a.order
		default:
			return a.order - b.order
		}
	})
	var out []byte
	at := 0
	for _, e := range edits {
		out = append(append(out, s.text[at:e.from]...), e.text...)
		at = e.to
	}
	return append(out, s.text[at:]...)
}

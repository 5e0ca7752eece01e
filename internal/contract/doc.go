// Package contract holds no code, only the tests of what is promised for every
// action. They use the public API alone. How a method works is tested here in four
// places:
//
//   - its shape, in golden_test.go: what it sends, byte for byte;
//   - its refusals, in validation_test.go: what it does not send, and what it says;
//   - its answers, in answers_test.go: what it makes of each fixture, and of answers
//     in other forms;
//   - its repetition, in repetition_test.go: whether and when it is tried again.
//
// What is special about a method, or about one step of a call, is tested in the root
// folder, in the test file of its source's name.
//
// The other tests here are about all methods together: that nothing is missing
// (parity), that comments say what the table says (comments), that the key does
// not show (canary), that a user's mocks see every request (mocking), that resty's
// traps stay shut (resty), that the README's programs run (readme) and its guarantees
// name their tests (guarantees), that a run which is killed sends nothing twice
// (kills, killed_processes, once_model), and what a call costs (allocations).
package contract

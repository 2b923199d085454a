// Package function runs functions as processes of this machine: code that somebody else
// wrote is started in a sandbox (package sandbox), is given one invocation after the other
// by the Lambda Runtime API, and is stopped when it takes too long, too much, or is no
// longer needed.
//
// # The way of an invocation
//
// Invoke takes an idle instance of the function, or starts one (a cold start), or waits for
// one where the machine's bound of processes is reached. The instance's process asks its
// Runtime API server for the next invocation, is given the payload, and posts the result.
// Each instance has a server of its own, at a port of its own and below a secret path: no
// function can take or answer another's invocations.
//
// # Contract
//
//   - A payload is handed to a process at most once for each Invoke. An instance that ends
//     before it has taken the payload is replaced by another one.
//   - An instance runs one invocation at a time. Instances of one Function.Key are alike.
//   - When Invoke returns, what the function printed until its answer has been given to the
//     log sink, between its START line and its END and REPORT lines.
//   - At the deadline the process, and all that it has started, is killed.
//   - Between invocations its processes stand still: they are stopped when the instance asks for
//     the next invocation and none comes at once, and go on with it (see rest). What a process does after its
//     answer and before it asks again counts towards the invocation's deadline.
//
// # Tasks
//
// RunTask runs a program once, to its end: a job's script. It is held in the same layers, and may
// have a network of its own besides, since Spark's processes talk to one another over any port.
//
// # Bounds
//
// Options.Instances bounds the processes of functions, Options.Tasks those of tasks, Function.Memory and Function.Storage what each may
// take, and the limits below payloads and answers. What is printed goes to the sink as it
// comes; nothing of it waits here.
//
// # On disk
//
//	code/SHA256.zip   packages, as they were given
//	code/SHA256/      the same, unpacked; made again if it is not there
//	runtime/          the bootstraps of Python and Node
//	run/ID/           scratch space of an instance; emptied at every start
//
// A package is complete or not there: it is unpacked aside and renamed. Nothing else
// survives a crash, and nothing else needs to.
package function

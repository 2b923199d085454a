// Package jobscript runs the Python scripts of jobs: Spark scripts with Glue's library, and plain ones.
//
// A script is somebody else's code. It runs as a task of package function, in the sandbox that functions have, and
// reaches the node alone: a Spark script in a network of its own, since Spark's processes talk to one another over
// any port. It is given credentials by its environment, and what it reads and writes goes through the node's API.
//
// # What is there
//
// The library awsglue is this package's own (python/awsglue), in the form that Glue's scripts use, on Spark's public
// Python API. Spark, Arrow and boto3 are installed by a user into the data directory (Setup), and Java is the machine's:
// a run that needs what is not there fails with an error that says what to do.
//
// # Objects and streams
//
// Spark reads and writes files of the run's own disk, and the library copies between those and S3. A stream is read by
// a data source in Python (python/awsglue/kinesis.py) whose offsets lie in Spark's checkpoint, of which S3 has the copy
// that counts (python/awsglue/_stream.py): a batch that was interrupted, by whatever, is done again with the records that
// it had, and what its first attempt has left is removed before.
//
// # On disk
//
//	awsglue/  this library, and what starts a script; written at every start
//	python/   Spark, Arrow, boto3: what Setup has installed
//	modules/  other modules that were installed for scripts
//
// A run's own files are in the scratch space of its task, and go with it.
package jobscript

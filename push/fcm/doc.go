// Package fcm sends pushes through Firebase Cloud Messaging, by Google's own SDK.
//
// The SDK retries on its own (503 and every network error, four times, sleeping in the call) and reads answers of any length.
// Here each delivery is tried once with a deadline, and what happens next is decided in one place, the job: so the transport
// below the SDK (transport.go) makes every failure look like one that the SDK does not retry.
//
// The SDK's root package brings Firestore and Cloud Storage along. Build with -tags disable_grpc_modules to leave Storage's
// gRPC half out of the binary; and import this package from nowhere but the composition root.
package fcm

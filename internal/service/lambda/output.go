package lambda

import (
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// Five operations answer with a configuration, each in a type of its own with the same members.

func created(c *types.FunctionConfiguration) *lambda.CreateFunctionOutput {
	return (*lambda.CreateFunctionOutput)(configuration(c))
}

func configured(c *types.FunctionConfiguration) *lambda.UpdateFunctionConfigurationOutput {
	return (*lambda.UpdateFunctionConfigurationOutput)(configuration(c))
}

func updated(c *types.FunctionConfiguration) *lambda.UpdateFunctionCodeOutput {
	return (*lambda.UpdateFunctionCodeOutput)(configuration(c))
}

func published(c *types.FunctionConfiguration) *lambda.PublishVersionOutput {
	return (*lambda.PublishVersionOutput)(configuration(c))
}

func configuration(c *types.FunctionConfiguration) *lambda.GetFunctionConfigurationOutput {
	return &lambda.GetFunctionConfigurationOutput{
		Architectures: c.Architectures, CodeSha256: c.CodeSha256, CodeSize: c.CodeSize, DeadLetterConfig: c.DeadLetterConfig,
		Description: c.Description, Environment: c.Environment, EphemeralStorage: c.EphemeralStorage, FunctionArn: c.FunctionArn,
		FunctionName: c.FunctionName, Handler: c.Handler, KMSKeyArn: c.KMSKeyArn, LastModified: c.LastModified,
		LastUpdateStatus: c.LastUpdateStatus, LastUpdateStatusReason: c.LastUpdateStatusReason, LastUpdateStatusReasonCode: c.LastUpdateStatusReasonCode, Layers: c.Layers,
		LoggingConfig: c.LoggingConfig, MemorySize: c.MemorySize, PackageType: c.PackageType, RevisionId: c.RevisionId,
		Role: c.Role, Runtime: c.Runtime, SnapStart: c.SnapStart, State: c.State,
		StateReason: c.StateReason, StateReasonCode: c.StateReasonCode, Timeout: c.Timeout, TracingConfig: c.TracingConfig,
		Version: c.Version, VpcConfig: c.VpcConfig,
	}
}

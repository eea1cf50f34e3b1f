/** Lambda functions: the code that runs is the archive Pulumi made. */
import {
    AddPermissionCommand,
    CreateFunctionCommand,
    InvokeCommand,
    LambdaClient,
    PutFunctionConcurrencyCommand,
    PutFunctionEventInvokeConfigCommand,
    waitUntilFunctionActiveV2,
    type Architecture,
    type Runtime,
    type TracingMode,
} from "@aws-sdk/client-lambda";
import type * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { zipArchive } from "./zipArchive";
import { allTags, clientOf, entry, physicalName, type DeployTable } from "./resource";

const lambdaFunction = entry<aws.lambda.FunctionArgs>(async (inputs, context) => {
    const lambda = clientOf(context, LambdaClient);
    const FunctionName = physicalName(context, inputs.name);
    const ZipFile = await zipArchive(inputs.code as pulumi.asset.Archive);
    const created = await lambda.send(
        new CreateFunctionCommand({
            FunctionName,
            Code: { ZipFile },
            Handler: inputs.handler,
            Role: inputs.role,
            Runtime: inputs.runtime as Runtime,
            Description: inputs.description,
            Timeout: inputs.timeout,
            MemorySize: inputs.memorySize,
            Architectures: inputs.architectures as Architecture[] | undefined,
            Environment: { Variables: inputs.environment?.variables },
            DeadLetterConfig: inputs.deadLetterConfig && { TargetArn: inputs.deadLetterConfig.targetArn },
            TracingConfig: inputs.tracingConfig && { Mode: inputs.tracingConfig.mode as TracingMode },
            LoggingConfig: inputs.loggingConfig && {
                LogFormat: inputs.loggingConfig.logFormat as never,
                LogGroup: inputs.loggingConfig.logGroup,
            },
            EphemeralStorage: inputs.ephemeralStorage && { Size: inputs.ephemeralStorage.size },
            KMSKeyArn: inputs.kmsKeyArn,
            Tags: allTags(context, inputs.tags),
        }),
    );
    context.onUpload({ name: FunctionName, zipBytes: ZipFile.byteLength });
    await waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: 60, minDelay: 0.1, maxDelay: 1 }, { FunctionName });
    if (inputs.reservedConcurrentExecutions !== undefined && inputs.reservedConcurrentExecutions >= 0) {
        await lambda.send(
            new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: inputs.reservedConcurrentExecutions }),
        );
    }
    const arn = created.FunctionArn!;
    return {
        id: FunctionName,
        state: {
            name: FunctionName,
            arn,
            qualifiedArn: `${arn}:$LATEST`,
            version: created.Version,
            invokeArn: `arn:aws:apigateway:${context.target.region}:lambda:path/2015-03-31/functions/${arn}/invocations`,
        },
    };
});

const permission = entry<aws.lambda.PermissionArgs>(async (inputs, context) => {
    const StatementId = inputs.statementId ?? physicalName(context, undefined, inputs.statementIdPrefix);
    await clientOf(context, LambdaClient).send(
        new AddPermissionCommand({
            FunctionName: inputs.function as string,
            StatementId,
            Action: inputs.action,
            Principal: inputs.principal,
            SourceArn: inputs.sourceArn,
            SourceAccount: inputs.sourceAccount,
            Qualifier: inputs.qualifier,
        }),
    );
    return { id: StatementId, state: { statementId: StatementId } };
});

const eventInvokeConfig = entry<aws.lambda.FunctionEventInvokeConfigArgs>(async (inputs, context) => {
    const { onFailure, onSuccess } = inputs.destinationConfig ?? {};
    await clientOf(context, LambdaClient).send(
        new PutFunctionEventInvokeConfigCommand({
            FunctionName: inputs.functionName,
            Qualifier: inputs.qualifier,
            MaximumEventAgeInSeconds: inputs.maximumEventAgeInSeconds,
            MaximumRetryAttempts: inputs.maximumRetryAttempts,
            DestinationConfig: inputs.destinationConfig && {
                OnFailure: onFailure && { Destination: onFailure.destination },
                OnSuccess: onSuccess && { Destination: onSuccess.destination },
            },
        }),
    );
    return { id: inputs.functionName };
});

/** A call that is part of the deployment. */
const invocation = entry<aws.lambda.InvocationArgs>(async (inputs, context) => {
    const { Payload, FunctionError } = await clientOf(context, LambdaClient).send(
        new InvokeCommand({ FunctionName: inputs.functionName, Payload: Buffer.from(inputs.input) }),
    );
    const result = Payload?.transformToString() ?? "";
    if (FunctionError) throw new Error(`${inputs.functionName} failed when the deployment called it: ${result}`);
    return { id: `${inputs.functionName}_${context.name}`, state: { result } };
});

export const functionTable: DeployTable = {
    "aws:lambda/function:Function": lambdaFunction,
    "aws:lambda/invocation:Invocation": invocation,
    "aws:lambda/permission:Permission": permission,
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": eventInvokeConfig,
};

/** Step Functions, Systems Manager and DynamoDB. */
import {
    CreateTableCommand,
    DynamoDBClient,
    UpdateContinuousBackupsCommand,
    UpdateTimeToLiveCommand,
    waitUntilTableExists,
    type BillingMode,
    type KeyType,
    type ProjectionType,
    type ScalarAttributeType,
} from "@aws-sdk/client-dynamodb";
import { CreateStateMachineCommand, SFNClient, type LogLevel, type StateMachineType } from "@aws-sdk/client-sfn";
import {
    CreateDocumentCommand,
    PutParameterCommand,
    SSMClient,
    type DocumentFormat,
    type DocumentType,
    type ParameterTier,
    type ParameterType,
} from "@aws-sdk/client-ssm";
import type * as aws from "@pulumi/aws";
import { allTags, clientOf, entry, physicalName, tagList, type DeployTable } from "./resource";

const stateMachine = entry<aws.sfn.StateMachineArgs>(async (inputs, context) => {
    const name = physicalName(context, inputs.name, inputs.namePrefix);
    const logging = inputs.loggingConfiguration;
    const { stateMachineArn } = await clientOf(context, SFNClient).send(
        new CreateStateMachineCommand({
            name,
            definition: inputs.definition,
            roleArn: inputs.roleArn,
            type: inputs.type as StateMachineType | undefined,
            loggingConfiguration: logging && {
                level: logging.level as LogLevel | undefined,
                includeExecutionData: logging.includeExecutionData,
                destinations: logging.logDestination ? [{ cloudWatchLogsLogGroup: { logGroupArn: logging.logDestination } }] : undefined,
            },
            tracingConfiguration: inputs.tracingConfiguration,
            tags: Object.entries(allTags(context, inputs.tags)).map(([key, value]) => ({ key, value })),
        }),
    );
    return { id: stateMachineArn!, state: { name, arn: stateMachineArn } };
});

const document = entry<aws.ssm.DocumentArgs>(async (inputs, context) => {
    const Name = physicalName(context, inputs.name);
    const { DocumentDescription } = await clientOf(context, SSMClient).send(
        new CreateDocumentCommand({
            Name,
            Content: inputs.content,
            DocumentType: inputs.documentType as DocumentType,
            DocumentFormat: inputs.documentFormat as DocumentFormat | undefined,
            TargetType: inputs.targetType,
            VersionName: inputs.versionName,
            Tags: tagList(context, inputs.tags),
        }),
    );
    return {
        id: Name,
        state: {
            name: Name,
            arn: `arn:aws:ssm:${context.target.region}:${context.target.accountId}:document/${Name}`,
            defaultVersion: "1",
            latestVersion: "1",
            hash: DocumentDescription?.Hash,
        },
    };
});

const parameter = entry<aws.ssm.ParameterArgs>(
    async (inputs, context) => {
        const Name = physicalName(context, inputs.name);
        const { Version } = await clientOf(context, SSMClient).send(
            new PutParameterCommand({
                Name,
                Value: inputs.value ?? inputs.insecureValue,
                Type: inputs.type as ParameterType,
                KeyId: inputs.keyId,
                Description: inputs.description,
                DataType: inputs.dataType,
                Tier: inputs.tier as ParameterTier | undefined,
                AllowedPattern: inputs.allowedPattern,
                Tags: tagList(context, inputs.tags),
            }),
        );
        return {
            id: Name,
            state: {
                name: Name,
                version: Version,
                arn: `arn:aws:ssm:${context.target.region}:${context.target.accountId}:parameter/${Name.replace(/^\//, "")}`,
            },
        };
    },
    { overwrite: "every rehearsal starts from an empty account" },
);

const table = entry<aws.dynamodb.TableArgs>(async (inputs, context) => {
    const dynamodb = clientOf(context, DynamoDBClient);
    const TableName = physicalName(context, inputs.name);
    const keys = [
        ...(inputs.hashKey ? [{ AttributeName: inputs.hashKey, KeyType: "HASH" as const }] : []),
        ...(inputs.rangeKey ? [{ AttributeName: inputs.rangeKey, KeyType: "RANGE" as const }] : []),
    ];
    const { TableDescription } = await dynamodb.send(
        new CreateTableCommand({
            TableName,
            KeySchema: keys,
            BillingMode: (inputs.billingMode as BillingMode | undefined) ?? "PAY_PER_REQUEST",
            AttributeDefinitions: inputs.attributes?.map(({ name, type }) => ({
                AttributeName: name,
                AttributeType: type as ScalarAttributeType,
            })),
            GlobalSecondaryIndexes: inputs.globalSecondaryIndexes?.map(({ name, keySchemas, hashKey, projectionType }) => ({
                IndexName: name,
                KeySchema: (keySchemas ?? [{ attributeName: hashKey!, keyType: "HASH" }]).map(({ attributeName, keyType }) => ({
                    AttributeName: attributeName,
                    KeyType: keyType as KeyType,
                })),
                Projection: { ProjectionType: projectionType as ProjectionType },
            })),
            SSESpecification: inputs.serverSideEncryption && {
                Enabled: inputs.serverSideEncryption.enabled,
                SSEType: inputs.serverSideEncryption.enabled ? "KMS" : undefined,
                KMSMasterKeyId: inputs.serverSideEncryption.kmsKeyArn,
            },
            DeletionProtectionEnabled: inputs.deletionProtectionEnabled,
            Tags: tagList(context, inputs.tags),
        }),
    );
    await waitUntilTableExists({ client: dynamodb, maxWaitTime: 30, minDelay: 0.1, maxDelay: 1 }, { TableName });
    if (inputs.ttl?.enabled)
        await dynamodb.send(
            new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification: { Enabled: true, AttributeName: inputs.ttl.attributeName } }),
        );
    if (inputs.pointInTimeRecovery?.enabled)
        await dynamodb.send(
            new UpdateContinuousBackupsCommand({ TableName, PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } }),
        );
    return { id: TableName, state: { name: TableName, arn: TableDescription!.TableArn } };
});

export const workflowTable: DeployTable = {
    "aws:sfn/stateMachine:StateMachine": stateMachine,
    "aws:ssm/document:Document": document,
    "aws:ssm/parameter:Parameter": parameter,
    "aws:dynamodb/table:Table": table,
};

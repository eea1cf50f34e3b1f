/** EventBridge rules, targets, bus policies and archives. */
import {
    CreateArchiveCommand,
    CreateEventBusCommand,
    EventBridgeClient,
    PutPermissionCommand,
    PutRuleCommand,
    PutTargetsCommand,
    type RuleState,
} from "@aws-sdk/client-eventbridge";
import type * as aws from "@pulumi/aws";
import { clientOf, entry, physicalName, policyText, tagList, type DeployTable } from "./resource";

const defaultBus = "default";

const rule = entry<aws.cloudwatch.EventRuleArgs>(async (inputs, context) => {
    const Name = physicalName(context, inputs.name, inputs.namePrefix);
    const EventBusName = inputs.eventBusName ?? defaultBus;
    const { RuleArn } = await clientOf(context, EventBridgeClient).send(
        new PutRuleCommand({
            Name,
            EventBusName,
            EventPattern: inputs.eventPattern,
            ScheduleExpression: inputs.scheduleExpression,
            Description: inputs.description,
            RoleArn: inputs.roleArn,
            State: (inputs.state as RuleState | undefined) ?? "ENABLED",
            Tags: tagList(context, inputs.tags),
        }),
    );
    return {
        id: EventBusName === defaultBus ? Name : `${EventBusName}/${Name}`,
        state: { name: Name, arn: RuleArn, eventBusName: EventBusName },
    };
});

const target = entry<aws.cloudwatch.EventTargetArgs>(async (inputs, context) => {
    const Id = inputs.targetId ?? physicalName(context);
    const { FailedEntries } = await clientOf(context, EventBridgeClient).send(
        new PutTargetsCommand({
            Rule: inputs.rule,
            EventBusName: inputs.eventBusName ?? defaultBus,
            Targets: [
                {
                    Id,
                    Arn: inputs.arn,
                    RoleArn: inputs.roleArn,
                    Input: inputs.input,
                    InputPath: inputs.inputPath,
                    InputTransformer: inputs.inputTransformer && {
                        InputTemplate: inputs.inputTransformer.inputTemplate,
                        InputPathsMap: inputs.inputTransformer.inputPaths,
                    },
                    DeadLetterConfig: inputs.deadLetterConfig && { Arn: inputs.deadLetterConfig.arn },
                    RetryPolicy: inputs.retryPolicy && {
                        MaximumRetryAttempts: inputs.retryPolicy.maximumRetryAttempts,
                        MaximumEventAgeInSeconds: inputs.retryPolicy.maximumEventAgeInSeconds,
                    },
                },
            ],
        }),
    );
    if (FailedEntries?.length) throw new Error(`${FailedEntries[0]!.ErrorCode}: ${FailedEntries[0]!.ErrorMessage}`);
    return { id: `${inputs.rule}-${Id}`, state: { targetId: Id } };
});

const bus = entry<aws.cloudwatch.EventBusArgs>(async (inputs, context) => {
    const Name = inputs.name ?? context.name;
    const { EventBusArn } = await clientOf(context, EventBridgeClient).send(
        new CreateEventBusCommand({ Name, Description: inputs.description, Tags: tagList(context, inputs.tags) }),
    );
    return { id: Name, state: { name: Name, arn: EventBusArn } };
});

const busPolicy = entry<aws.cloudwatch.EventBusPolicyArgs>(async (inputs, context) => {
    const EventBusName = inputs.eventBusName ?? defaultBus;
    await clientOf(context, EventBridgeClient).send(new PutPermissionCommand({ EventBusName, Policy: policyText(inputs.policy) }));
    return { id: EventBusName };
});

const permission = entry<aws.cloudwatch.EventPermissionArgs>(async (inputs, context) => {
    const EventBusName = inputs.eventBusName ?? defaultBus;
    await clientOf(context, EventBridgeClient).send(
        new PutPermissionCommand({
            EventBusName,
            StatementId: inputs.statementId,
            Principal: inputs.principal,
            Action: inputs.action ?? "events:PutEvents",
            Condition: inputs.condition && { Type: inputs.condition.type, Key: inputs.condition.key, Value: inputs.condition.value },
        }),
    );
    return { id: `${EventBusName}/${inputs.statementId}` };
});

const archive = entry<aws.cloudwatch.EventArchiveArgs>(async (inputs, context) => {
    const ArchiveName = physicalName(context, inputs.name);
    const { ArchiveArn } = await clientOf(context, EventBridgeClient).send(
        new CreateArchiveCommand({
            ArchiveName,
            EventSourceArn: inputs.eventSourceArn,
            EventPattern: inputs.eventPattern,
            RetentionDays: inputs.retentionDays,
            Description: inputs.description,
        }),
    );
    return { id: ArchiveName, state: { name: ArchiveName, arn: ArchiveArn } };
});

export const eventBridgeTable: DeployTable = {
    "aws:cloudwatch/eventRule:EventRule": rule,
    "aws:cloudwatch/eventTarget:EventTarget": target,
    "aws:cloudwatch/eventBus:EventBus": bus,
    "aws:cloudwatch/eventBusPolicy:EventBusPolicy": busPolicy,
    "aws:cloudwatch/eventPermission:EventPermission": permission,
    "aws:cloudwatch/eventArchive:EventArchive": archive,
};

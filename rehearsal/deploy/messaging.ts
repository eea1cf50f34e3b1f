/** SNS topics and SQS queues. */
import { CreateTopicCommand, SetTopicAttributesCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { CreateQueueCommand, GetQueueAttributesCommand, SetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import type * as aws from "@pulumi/aws";
import { allTags, clientOf, entry, physicalName, policyText, tagList, type DeployTable } from "./resource";

/** Attributes as the API wants them: text, and only those that were given. */
function attributes(given: Record<string, string | number | boolean | undefined>): Record<string, string> {
    return Object.fromEntries(
        Object.entries(given)
            .filter(([, value]) => value !== undefined)
            .map(([name, value]) => [name, String(value)]),
    );
}

const topic = entry<aws.sns.TopicArgs>(async (inputs, context) => {
    const Name = physicalName(context, inputs.name, inputs.namePrefix);
    const { TopicArn } = await clientOf(context, SNSClient).send(
        new CreateTopicCommand({
            Name,
            Attributes: attributes({
                KmsMasterKeyId: inputs.kmsMasterKeyId,
                DisplayName: inputs.displayName,
                DeliveryPolicy: inputs.deliveryPolicy,
                Policy: inputs.policy === undefined ? undefined : policyText(inputs.policy),
                TracingConfig: inputs.tracingConfig,
                SignatureVersion: inputs.signatureVersion,
                LambdaFailureFeedbackRoleArn: inputs.lambdaFailureFeedbackRoleArn,
                LambdaSuccessFeedbackRoleArn: inputs.lambdaSuccessFeedbackRoleArn,
            }),
            Tags: tagList(context, inputs.tags),
        }),
    );
    return { id: TopicArn!, state: { name: Name, arn: TopicArn, owner: context.target.accountId } };
});

const topicPolicy = entry<aws.sns.TopicPolicyArgs>(async (inputs, context) => {
    await clientOf(context, SNSClient).send(
        new SetTopicAttributesCommand({ TopicArn: inputs.arn, AttributeName: "Policy", AttributeValue: policyText(inputs.policy) }),
    );
    return { id: inputs.arn };
});

const subscription = entry<aws.sns.TopicSubscriptionArgs>(async (inputs, context) => {
    const { SubscriptionArn } = await clientOf(context, SNSClient).send(
        new SubscribeCommand({
            TopicArn: inputs.topic as string,
            Protocol: inputs.protocol,
            Endpoint: inputs.endpoint,
            ReturnSubscriptionArn: true,
            Attributes: attributes({
                RedrivePolicy: inputs.redrivePolicy,
                RawMessageDelivery: inputs.rawMessageDelivery,
                FilterPolicy: inputs.filterPolicy,
                FilterPolicyScope: inputs.filterPolicyScope,
                DeliveryPolicy: inputs.deliveryPolicy,
            }),
        }),
    );
    return { id: SubscriptionArn!, state: { arn: SubscriptionArn } };
});

const queue = entry<aws.sqs.QueueArgs>(async (inputs, context) => {
    const sqs = clientOf(context, SQSClient);
    const QueueName = physicalName(context, inputs.name, inputs.namePrefix);
    const { QueueUrl } = await sqs.send(
        new CreateQueueCommand({
            QueueName,
            Attributes: attributes({
                MessageRetentionPeriod: inputs.messageRetentionSeconds,
                VisibilityTimeout: inputs.visibilityTimeoutSeconds,
                MaximumMessageSize: inputs.maxMessageSize,
                DelaySeconds: inputs.delaySeconds,
                ReceiveMessageWaitTimeSeconds: inputs.receiveWaitTimeSeconds,
                KmsMasterKeyId: inputs.kmsMasterKeyId,
                KmsDataKeyReusePeriodSeconds: inputs.kmsDataKeyReusePeriodSeconds,
                SqsManagedSseEnabled: inputs.sqsManagedSseEnabled,
                RedrivePolicy: inputs.redrivePolicy,
                Policy: inputs.policy,
                FifoQueue: inputs.fifoQueue || undefined,
            }),
            tags: allTags(context, inputs.tags),
        }),
    );
    const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }));
    return { id: QueueUrl!, state: { name: QueueName, url: QueueUrl, arn: Attributes!.QueueArn } };
});

const queuePolicy = entry<aws.sqs.QueuePolicyArgs>(async (inputs, context) => {
    await clientOf(context, SQSClient).send(
        new SetQueueAttributesCommand({ QueueUrl: inputs.queueUrl, Attributes: { Policy: policyText(inputs.policy) } }),
    );
    return { id: inputs.queueUrl };
});

export const messagingTable: DeployTable = {
    "aws:sns/topic:Topic": topic,
    "aws:sns/topicPolicy:TopicPolicy": topicPolicy,
    "aws:sns/topicSubscription:TopicSubscription": subscription,
    "aws:sqs/queue:Queue": queue,
    "aws:sqs/queuePolicy:QueuePolicy": queuePolicy,
};

/** Bucket notifications: what an upload starts. */
import { PutBucketNotificationConfigurationCommand, S3Client, type Event, type FilterRule } from "@aws-sdk/client-s3";
import type * as aws from "@pulumi/aws";
import { clientOf, entry } from "./resource";

interface Destination {
    id?: string;
    events: string[];
    filterPrefix?: string;
    filterSuffix?: string;
}

function common(destination: Destination): { Id?: string; Events: Event[]; Filter?: { Key: { FilterRules: FilterRule[] } } } {
    const rules: FilterRule[] = [];
    if (destination.filterPrefix) rules.push({ Name: "prefix", Value: destination.filterPrefix });
    if (destination.filterSuffix) rules.push({ Name: "suffix", Value: destination.filterSuffix });
    return {
        Id: destination.id,
        Events: destination.events as Event[],
        Filter: rules.length > 0 ? { Key: { FilterRules: rules } } : undefined,
    };
}

export const notificationEntry = entry<aws.s3.BucketNotificationArgs>(async (inputs, context) => {
    await clientOf(context, S3Client).send(
        new PutBucketNotificationConfigurationCommand({
            Bucket: inputs.bucket,
            NotificationConfiguration: {
                LambdaFunctionConfigurations: inputs.lambdaFunctions?.map((one) => ({
                    ...common(one),
                    LambdaFunctionArn: one.lambdaFunctionArn,
                })),
                QueueConfigurations: inputs.queues?.map((one) => ({ ...common(one), QueueArn: one.queueArn })),
                TopicConfigurations: inputs.topics?.map((one) => ({ ...common(one), TopicArn: one.topicArn })),
                EventBridgeConfiguration: inputs.eventbridge ? {} : undefined,
            },
        }),
    );
    return { id: inputs.bucket };
});

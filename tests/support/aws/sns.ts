/** SNS in memory: what was published, to topics that all have the same subscribers. */
export class InMemorySns {
    readonly published: { TopicArn: string; Subject: string; Message: string }[] = [];
    /** Confirmed subscriptions of every topic. */
    subscribers = 1;

    onPublish(input: { TopicArn: string; Subject: string; Message: string }): unknown {
        this.published.push(input);
        return { MessageId: "1" };
    }
    onGetTopicAttributes(): { Attributes: Record<string, string> } {
        return { Attributes: { SubscriptionsConfirmed: String(this.subscribers) } };
    }
}

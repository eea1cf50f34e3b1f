/** CloudTrail's event history in memory. */
export class InMemoryCloudTrail {
    /** Records as CloudTrail writes them, with the resources that they are found by. */
    trail: { resources: string[]; username?: string; record: Record<string, unknown> }[] = [];

    onLookupEvents({ LookupAttributes }: { LookupAttributes: { AttributeKey: string; AttributeValue: string }[] }): unknown {
        const [{ AttributeKey, AttributeValue }] = LookupAttributes as [{ AttributeKey: string; AttributeValue: string }];
        return {
            Events: this.trail
                .filter(({ resources, username, record }) =>
                    AttributeKey === "Username"
                        ? username === AttributeValue
                        : AttributeKey === "EventName"
                          ? record.eventName === AttributeValue
                          : resources.includes(AttributeValue),
                )
                .map(({ record }) => ({ CloudTrailEvent: JSON.stringify(record) })),
        };
    }
}

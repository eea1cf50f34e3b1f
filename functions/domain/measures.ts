/** What our functions count for CloudWatch: metrics without dimensions in a namespace of their own, one of each a Region. */

export const measureNamespace = "CleanRoom";
/** From the opening of an incident to the moment its instance was read back contained; people's time to answer is among it. */
export const secondsToContained = { name: "SecondsToContained", unit: "Seconds" } as const;
/** Tries to contain that ended with an interface still open. */
export const notContained = { name: "NotContained", unit: "Count" } as const;
/** Findings that started nothing by rule. */
export const messagesLeftAside = { name: "MessagesLeftAside", unit: "Count" } as const;

/**
 * Details of a line of log by which CloudWatch makes a metric of it (embedded metric format): it costs nothing while nothing happens, and no call.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function measured({ name, unit }: { name: string; unit: string }, value: number): Record<string, unknown> {
    return {
        _aws: {
            Timestamp: Date.now(),
            CloudWatchMetrics: [{ Namespace: measureNamespace, Dimensions: [[]], Metrics: [{ Name: name, Unit: unit }] }],
        },
        [name]: value,
    };
}

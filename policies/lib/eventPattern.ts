/** EventBridge's event patterns: whether an event passes one. (EventBridge guide, "Comparison operators for use in event patterns".) */

type Json = string | number | boolean | null | undefined | Json[] | { [key: string]: Json };

/** Whether a pattern lets an event pass. A pattern that uses what EventBridge does not have, lets nothing pass. @param pattern parsed */
export function passes(pattern: Json, event: Json): boolean {
    if (!isObject(pattern) || Object.keys(pattern).length === 0) {
        return false;
    }
    return Object.entries(pattern).every(([key, wanted]) =>
        key === "$or"
            ? Array.isArray(wanted) && wanted.some((each) => passes(each, event))
            : fieldPasses(wanted, isObject(event) ? event[key] : undefined),
    );
}

function fieldPasses(wanted: Json, value: Json): boolean {
    if (Array.isArray(wanted)) {
        // Of a list in the event any element may match.
        const values = Array.isArray(value) ? value : [value];
        return wanted.some((condition) => values.some((each) => matches(condition, each)));
    }
    return Array.isArray(value) ? value.some((each) => passes(wanted, each)) : passes(wanted, value ?? {});
}

function matches(condition: Json, value: Json): boolean {
    if (!isObject(condition)) {
        return value === condition;
    }
    const [operator, operand] = Object.entries(condition)[0] ?? [];
    const text = typeof value === "string" ? value : undefined;
    switch (operator) {
        case "exists":
            return (value !== undefined) === operand;
        case "anything-but":
            return value !== undefined && ![operand].flat().some((each) => matches(each, value));
        case "prefix":
        case "suffix":
            return text !== undefined && affix(operator, operand, text);
        case "equals-ignore-case":
            return text !== undefined && [operand].flat().some((each) => String(each as string).toLowerCase() === text.toLowerCase());
        case "wildcard":
            return text !== undefined && [operand].flat().some((each) => typeof each === "string" && wildcard(each).test(text));
        case "numeric":
            return typeof value === "number" && Array.isArray(operand) && numeric(operand, value);
        default:
            return false;
    }
}

function affix(operator: "prefix" | "suffix", operand: Json, text: string): boolean {
    return [operand].flat().some((each) => {
        const ignored = isObject(each) ? each["equals-ignore-case"] : undefined;
        const [wanted, found] = typeof ignored === "string" ? [ignored.toLowerCase(), text.toLowerCase()] : [each, text];
        return typeof wanted === "string" && (operator === "prefix" ? found.startsWith(wanted) : found.endsWith(wanted));
    });
}

const wildcard = (pattern: string): RegExp => new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`);

function numeric(comparisons: Json[], value: number): boolean {
    const pairs = comparisons.flatMap((each, index) => (index % 2 === 0 ? [[each, comparisons[index + 1]] as const] : []));
    return pairs.every(([operator, bound]) => {
        if (typeof bound !== "number") {
            return false;
        }
        switch (operator) {
            case "=":
                return value === bound;
            case "<":
                return value < bound;
            case "<=":
                return value <= bound;
            case ">":
                return value > bound;
            case ">=":
                return value >= bound;
            default:
                return false;
        }
    });
}

const isObject = (value: Json): value is { [key: string]: Json } => typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * GuardDuty findings about an EC2 instance, of each sort that must start a response: by the network, by malware, by what runs on it. Severe ones,
 * since a stack may leave out the slight.
 */
export function sampleFindings(account: string, region: string): Json[] {
    return [
        "UnauthorizedAccess:EC2/SSHBruteForce",
        "Backdoor:EC2/C&CActivity.B",
        "CryptoCurrency:EC2/BitcoinTool.B!DNS",
        "Execution:EC2/MaliciousFile",
        "Execution:Runtime/ReverseShell",
    ].map((type) => ({
        version: "0",
        id: "c8c4daa7-a20c-2f03-0070-b7393dd542ad",
        "detail-type": "GuardDuty Finding",
        source: "aws.guardduty",
        account,
        time: "2026-11-28T12:00:00Z",
        region,
        resources: [],
        detail: {
            schemaVersion: "2.0",
            accountId: account,
            region,
            partition: "aws",
            id: "16afba5c5c43e07c9e3e5e2e544e95df",
            arn: `arn:aws:guardduty:${region}:${account}:detector/1/finding/16afba5c5c43e07c9e3e5e2e544e95df`,
            type,
            resource: {
                resourceType: "Instance",
                instanceDetails: { instanceId: "i-0123456789abcdef0", instanceState: "running", tags: [] },
            },
            service: { serviceName: "guardduty", archived: false, count: 1, resourceRole: "TARGET" },
            severity: 8.5,
            title: "Finding",
            description: "Finding",
        },
    }));
}

/** Findings that a rule's pattern lets pass, of some. @param text the pattern as the rule has it */
export function passed(text: unknown, events: Json[]): Json[] {
    let pattern: Json;
    try {
        pattern = typeof text === "string" ? (JSON.parse(text) as Json) : typeof text === "object" ? (text as Json) : undefined;
    } catch {
        return [];
    }
    return events.filter((event) => passes(pattern, event));
}

/** The ways that findings take from an account to the clean room's topic, as the program declares them. */
import * as aws from "@pulumi/aws";
import type { Estate } from "./estate";
import type { EstateStack, Placed } from "./estateStack";
import { passed, sampleFindings } from "./eventPattern";
import { covers, readDocument } from "./iamDocument";
import { UNKNOWN, type Value } from "./values";

/** Where an account's forwarding rules lead, or what is wrong with them. */
export interface Way {
    problem?: string;
    /** Name of the forensics account's bus. */
    bus?: string;
    /** Region of that bus. */
    region?: string;
}

/** The way of a member's findings to a bus of the forensics account. */
export function forwardingWay(stack: EstateStack, estate: Estate, accountId: string, region: string): Way {
    const rules = rulesThatPass(stack, accountId, region, "default", [accountId]);
    if (rules === undefined) {
        return {
            problem:
                "no enabled rule forwards GuardDuty's findings; declare an aws.cloudwatch.EventRule whose pattern lets every finding about EC2 pass",
        };
    }
    const targets = rules.flatMap((rule) => targetsOf(stack, rule, accountId, region));
    const bus = targets.flatMap((target) => busOf(stack, target, estate.forensicsAccountId) ?? [])[0];
    if (bus === undefined) {
        return {
            problem: `the rule that takes its findings has no target that is a bus of the forensics account ${estate.forensicsAccountId}; declare an aws.cloudwatch.EventTarget`,
        };
    }
    if (!mayPut(stack, estate, accountId, bus)) {
        return {
            ...bus,
            problem: `it may put no events on the bus "${bus.bus}" of the forensics account; declare an aws.cloudwatch.EventPermission or EventBusPolicy for it`,
        };
    }
    return bus;
}

/** What is wrong with the way from a bus of the forensics account to the topic; undefined for nothing. */
export function centralWay(stack: EstateStack, estate: Estate, region: string, bus: string): string | undefined {
    const account = estate.forensicsAccountId;
    const senders = estate.members.filter((member) => member.regions.includes(region)).map(({ accountId }) => accountId);
    const rules = rulesThatPass(stack, account, region, bus, senders.length > 0 ? senders : [account]);
    if (rules === undefined) {
        return `no enabled rule of account ${account} takes GuardDuty's findings from the event bus "${bus}" there; declare a clean room for ${region}, with a pattern that lets every finding about EC2 pass`;
    }
    const targets = rules.flatMap((rule) => targetsOf(stack, rule, account, region));
    if (!targets.some((target) => isDelivered(stack, target, account, region))) {
        return `the rule that takes findings from the event bus "${bus}" delivers them nowhere; declare an aws.cloudwatch.EventTarget for the topic, with an execution role or a topic policy that lets it publish`;
    }
    return undefined;
}

/** Rules of a bus that together let every finding about EC2 of these accounts pass; undefined where one would not. */
function rulesThatPass(stack: EstateStack, accountId: string, region: string, bus: string, senders: string[]): Placed[] | undefined {
    const findings = senders.flatMap((sender) => sampleFindings(sender, region));
    const rules = stack
        .find(aws.cloudwatch.EventRule, accountId, region)
        .filter((rule) => isEnabled(rule) && isOnBus(stack, rule, bus))
        .map((rule) => ({ rule, taken: passed(rule.props.eventPattern, findings) }));
    const all = new Set(rules.flatMap(({ taken }) => taken));
    return all.size === findings.length ? rules.filter(({ taken }) => taken.length > 0).map(({ rule }) => rule) : undefined;
}

function isEnabled({ props }: Placed): boolean {
    return (
        (props.state === undefined || String(props.state as string).startsWith("ENABLED")) &&
        (props.isEnabled === undefined || props.isEnabled === true)
    );
}

function isOnBus(stack: EstateStack, placed: Placed, bus: string): boolean {
    const name = placed.props.eventBusName;
    if (name === undefined || name === null || typeof name === "string") {
        return (name ?? "default") === bus || (typeof name === "string" && name.endsWith(`event-bus/${bus}`));
    }
    return stack.behind(placed, "eventBusName").some((each) => nameOf(stack, each) === bus);
}

/** Targets that name a rule: by the engine's record, or by its name. */
function targetsOf(stack: EstateStack, rule: Placed, accountId: string, region: string): Placed[] {
    return stack
        .find(aws.cloudwatch.EventTarget, accountId, region)
        .filter(
            (target) =>
                stack.behind(target, "rule").includes(rule.resource) ||
                (typeof target.props.rule === "string" && target.props.rule === rule.props.name),
        );
}

/** The bus of the forensics account that a target is, by its ARN or by the bus of this program behind it. */
function busOf(stack: EstateStack, target: Placed, forensicsAccountId: string): { bus: string; region?: string } | undefined {
    const { arn } = target.props;
    if (typeof arn === "string") {
        const [, , service, region, account, name] = arn.split(":");
        if (service === "events" && account === forensicsAccountId && name?.startsWith("event-bus/")) {
            return { bus: name.slice("event-bus/".length), region };
        }
    }
    for (const bus of stack.behind(target, "arn")) {
        const name = nameOf(stack, bus);
        if (bus.isType(aws.cloudwatch.EventBus) && name !== undefined) {
            const region = stack.find(aws.cloudwatch.EventBus, forensicsAccountId).find((each) => each.resource === bus)?.props.region;
            return { bus: name, ...(typeof region === "string" ? { region } : {}) };
        }
    }
    return undefined;
}

const nameOf = (stack: EstateStack, resource: Placed["resource"]): string | undefined => {
    const { name } = stack.inputsOf(resource);
    return typeof name === "string" ? name : undefined;
};

/** Whether the forensics account lets a member put events on a bus. A document of which a part is not known yet is judged again at the update. */
function mayPut(stack: EstateStack, estate: Estate, accountId: string, { bus, region }: { bus: string; region?: string }): boolean {
    const account = estate.forensicsAccountId;
    if (accountId === account) {
        return true;
    }
    const admits = (principal: Value): boolean =>
        principal === "*" || principal === UNKNOWN || (typeof principal === "string" && principal.includes(accountId));
    const permissions = stack
        .find(aws.cloudwatch.EventPermission, account, region)
        .filter((each) => isOnBus(stack, each, bus) && admits(each.props.principal))
        .filter(({ props }) => props.action === undefined || props.action === "events:PutEvents");
    const documents = stack
        .find(aws.cloudwatch.EventBusPolicy, account, region)
        .filter((each) => isOnBus(stack, each, bus))
        .map(({ props }) => readDocument(props.policy))
        .filter(
            ({ statements, unknown }) =>
                (unknown && statements.length === 0) ||
                statements.some(
                    (statement) =>
                        statement.allow &&
                        (statement.unknown.includes("Action") || statement.actions.some((action) => covers(action, "events:PutEvents"))) &&
                        (statement.unknown.includes("Principal") || statement.principals.some(({ value }) => admits(value))),
                ),
        );
    return permissions.length + documents.length > 0;
}

/** Whether a target is something that takes findings on: a topic, queue, function or state machine; a topic with a policy must let it publish. */
function isDelivered(stack: EstateStack, target: Placed, account: string, region: string): boolean {
    const { arn, roleArn } = target.props;
    if (
        typeof arn === "string" &&
        new RegExp(`^arn:[\\w-]+:(sns|sqs|lambda|states):${region}:${account}:`).test(arn) &&
        stack.behind(target, "arn").length === 0
    ) {
        return true;
    }
    return stack.behind(target, "arn").some((each) => {
        if (each.isType(aws.sns.Topic)) {
            return (roleArn !== undefined && roleArn !== null) || maybePublishes(stack, each, account, region);
        }
        return each.isType(aws.lambda.Function) || each.isType(aws.sqs.Queue) || each.isType(aws.sfn.StateMachine);
    });
}

function maybePublishes(stack: EstateStack, topic: Placed["resource"], account: string, region: string): boolean {
    const policies = stack.find(aws.sns.TopicPolicy, account, region).filter((each) => stack.behind(each, "arn").includes(topic));
    return (
        policies.length === 0 ||
        policies
            .map(({ props }) => readDocument(props.policy))
            .some(
                ({ statements, unknown }) =>
                    (unknown && statements.length === 0) ||
                    statements.some(
                        (statement) =>
                            statement.allow &&
                            (statement.unknown.includes("Action") || statement.actions.some((action) => covers(action, "sns:Publish"))) &&
                            (statement.unknown.includes("Principal") ||
                                statement.principals.some(({ value }) => value === "events.amazonaws.com" || value === "*")),
                    ),
            )
    );
}

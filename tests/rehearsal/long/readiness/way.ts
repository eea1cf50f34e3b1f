/** What rots on a finding's way: rules, archives, the watch, dead letters. */
import {
    CreateArchiveCommand,
    DeleteArchiveCommand,
    DescribeArchiveCommand,
    ListTargetsByRuleCommand,
    PutTargetsCommand,
    RemoveTargetsCommand,
} from "@aws-sdk/client-eventbridge";
import { GetQueueUrlCommand, PurgeQueueCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { findingsBusName, findingsRuleName, forwardDeadLettersName, forwardedRuleName, watchRuleName } from "../../../../infra/names";
import { forensics } from "../../support/localEstate";
import { type Rot, type Rotting } from "./rotting";

export function wayRots(estate: Rotting): Rot[] {
    const { events, sqs, ruleOff } = estate;
    const archiveGone =
        (ArchiveName: string): Rot["breaks"] =>
        async () => {
            const { EventSourceArn, EventPattern, RetentionDays } = await events().send(new DescribeArchiveCommand({ ArchiveName }));
            await events().send(new DeleteArchiveCommand({ ArchiveName }));
            return () => events().send(new CreateArchiveCommand({ ArchiveName, EventSourceArn, EventPattern, RetentionDays }));
        };
    const messageIn =
        (queue: () => Promise<string>): Rot["breaks"] =>
        async () => {
            const QueueUrl = await queue();
            await sqs().send(new SendMessageCommand({ QueueUrl, MessageBody: "{}" }));
            return () => sqs().send(new PurgeQueueCommand({ QueueUrl }));
        };
    return [
        {
            what: "the rule that takes findings of the default bus is off",
            breaks: ruleOff(findingsRuleName),
            says: {
                [`rule ${findingsRuleName}`]:
                    /broken the rule clean-room-findings: is DISABLED: no finding arrives on this way -> Enable the rule/,
            },
        },
        {
            what: "the rule that takes forwarded findings is off",
            breaks: ruleOff(forwardedRuleName, forensics, findingsBusName),
            says: { [`rule ${forwardedRuleName}`]: /the rule clean-room-forwarded-findings: is DISABLED/ },
        },
        {
            what: "a rule leads nowhere any more, which GuardDuty's sample finding alone finds out",
            breaks: async () => {
                const Rule = forwardedRuleName;
                const EventBusName = findingsBusName;
                const { Targets = [] } = await events().send(new ListTargetsByRuleCommand({ Rule, EventBusName }));
                await events().send(new RemoveTargetsCommand({ Rule, EventBusName, Ids: Targets.map(({ Id }) => Id!) }));
                return () => events().send(new PutTargetsCommand({ Rule, EventBusName, Targets }));
            },
            asked: { sendSample: true, sampleWithinSeconds: 3 },
            says: {
                sample: /broken GuardDuty's own sample finding, from a member to startIncident: sent in account 222222222222, it did not arrive: neither would a real one/,
            },
        },
        {
            what: "an archive of findings is gone",
            breaks: archiveGone(forwardedRuleName),
            says: {
                [`archive ${forwardedRuleName}`]:
                    /the archive clean-room-forwarded-findings: is not there: what is missed cannot be replayed/,
            },
        },
        {
            what: "nobody looks at contained instances any more",
            breaks: ruleOff(watchRuleName),
            says: {
                watch: /contained instances are looked at every five minutes: is DISABLED: nobody is told when somebody undoes a containment/,
            },
        },
        {
            what: "a message lies in the dead-letter queue",
            breaks: messageIn(() => Promise.resolve(estate.variables.DEAD_LETTER_QUEUE_URL!)),
            says: { "dead-letters": /the dead-letter queue of findings: 1 lie there and started nothing -> Read them/ },
        },
        {
            what: "a member could not forward a finding",
            breaks: messageIn(async () => (await sqs().send(new GetQueueUrlCommand({ QueueName: forwardDeadLettersName }))).QueueUrl!),
            says: { "forward-dead-letters": /findings that members could not forward: 1 lie there/ },
        },
    ];
}

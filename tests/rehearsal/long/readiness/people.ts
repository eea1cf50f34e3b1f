/** What rots of how people are told. */
import { SubscribeCommand, UnsubscribeCommand } from "@aws-sdk/client-sns";
import { DeleteParameterCommand, GetParameterCommand, PutParameterCommand } from "@aws-sdk/client-ssm";
import { slackWebhookParameterName } from "../../../../infra/names";
import { address, type Rot, type Rotting } from "./rotting";

export function peopleRots(estate: Rotting): Rot[] {
    const { sns, ssm, confirm, configured } = estate;

    return [
        {
            what: "Slack's webhook was taken away",
            breaks: () => {
                estate.slackSays = { status: 404, answer: "no_service" };
                return Promise.resolve(() => Promise.resolve((estate.slackSays = { status: 400, answer: "no_text" })));
            },
            says: { slack: /the Slack webhook: answered 404 no_service: messages do not arrive -> Make a new incoming webhook/ },
        },
        {
            what: "the parameter with Slack's webhook is gone, though a function still knows what it held",
            breaks: async () => {
                const Name = estate.variables.SLACK_WEBHOOK_PARAMETER!;
                const { Parameter } = await ssm().send(new GetParameterCommand({ Name, WithDecryption: true }));
                await ssm().send(new DeleteParameterCommand({ Name }));
                return () => ssm().send(new PutParameterCommand({ Name, Value: Parameter!.Value, Type: "SecureString" }));
            },
            says: {
                slack: new RegExp(
                    `broken the Slack webhook: The SSM parameter with the Slack webhook URL does not exist: ${slackWebhookParameterName}: messages do not arrive`,
                ),
            },
        },
        {
            what: "a subscription is gone",
            breaks: async () => {
                const [arn] = estate.subscriptions as [string];
                await sns().send(new UnsubscribeCommand({ SubscriptionArn: arn }));
                return async () => {
                    const { SubscriptionArn } = await sns().send(
                        new SubscribeCommand({
                            TopicArn: arn.split(":").slice(0, -1).join(":"),
                            Protocol: "email",
                            Endpoint: address,
                            ReturnSubscriptionArn: true,
                        }),
                    );
                    await confirm(SubscriptionArn!);
                };
            },
            says: { emails: /1 are not there \(an unsubscribed address, or a confirmation that ran out\)/ },
        },
        {
            what: "nobody is told by anything",
            breaks: configured(() => ({
                SLACK_WEBHOOK_PARAMETER: "",
                READINESS: JSON.stringify({ ...(JSON.parse(estate.variables.READINESS!) as object), emails: 0 }),
            })),
            says: {
                people: /the channels by which people are told: none is configured: an incident would be followed, and nobody would know/,
            },
        },
    ];
}

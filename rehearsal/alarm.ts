/** An alarm on its way to people: CloudWatch, the alarm topic, the function, the channel. */
import { CloudWatchClient, SetAlarmStateCommand } from "@aws-sdk/client-cloudwatch";
import { alarmName } from "../infra/alarms";
import type { Facts } from "./facts";
import type { Progress } from "./progress";
import { titleOf } from "./slackServer";
import { forensics, type Stage } from "./stage";
import { describeChain, until } from "./watch";

/** Seconds that an alarm may take to people; minutes are CloudWatch's own, before it changes its state. */
const longest = 30;

/** Has an alarm of the program's go off, as nothing does that goes well, and waits until the channel has it. */
export async function ringAlarm({ clients, slack }: Stage, progress: Progress): Promise<Facts["alarm"]> {
    const name = alarmName("dead-letters");
    const rungAt = Date.now();
    const reason = "set by the rehearsal";
    await clients(CloudWatchClient, forensics).send(
        new SetAlarmStateCommand({ AlarmName: name, StateValue: "ALARM", StateReason: reason }),
    );
    const told = await until(
        "people to be told of an alarm",
        async () =>
            slack.messages.find(
                ({ payload }) => titleOf(payload).includes("alarm of the clean room") && JSON.stringify(payload).includes(name),
            ),
        rungAt + longest * 1000,
        () => describeChain(clients, forensics),
    ).catch(() => null);
    if (told) progress.line(`The alarm "${name}" was in the channel ${(Date.parse(told.receivedAt) - rungAt) / 1000} s after it went off`);
    return { name, rungAt, toldAt: told && Date.parse(told.receivedAt), saysWhy: JSON.stringify(told?.payload ?? "").includes(reason) };
}

/** A rehearsal of a message that starts no incident: people have to be told why. */
import { createHash } from "node:crypto";
import type { LoadedFinding } from "./finding";
import { deliveryOf, send } from "./finding";
import type { Options } from "./options";
import type { Outcome } from "./outcome";
import { printable, type Progress } from "./progress";
import { writeResult } from "./record";
import { deployed, forensics, member, type Stage } from "./stage";
import { describeChain, until } from "./watch";

/** Publishes the message on the findings topic, as an operator would, and waits for the error notification. */
export async function rehearseRefusal(
    stage: Stage,
    finding: LoadedFinding,
    reason: string,
    options: Options,
    progress: Progress,
): Promise<Outcome> {
    progress.line(`This message starts no incident: ${printable(reason, 2000)}`);
    await send(deliveryOf(finding.text, true), stage.clients, member, forensics, deployed.findingsTopicArn);
    const told = await until(
        "people to be told that the message was refused",
        async () => stage.slack.messages[0],
        Date.now() + options.timeoutSeconds * 1000,
        () => describeChain(stage.clients, forensics),
    );
    progress.line("People were told, and the message lies in the dead-letter queue.");
    const record = { schemaVersion: 1, outcome: "refused", finding: { file: finding.file, original: finding.text }, reason, told };
    const name = `refused-${createHash("sha256").update(finding.text).digest("hex").slice(0, 16)}`;
    const folder = await writeResult(options.out, {
        name,
        record,
        originalMessage: finding.text,
        reportHtml: null,
        findingsJsonl: null,
        slack: stage.slack.messages,
    });
    progress.line(`Result: ${folder}`);
    return { passed: false, record };
}

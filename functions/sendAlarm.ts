/** Tells people of an alarm, in the channels that are not subscribed to the alarm topic themselves. */
import { z } from "zod";
import { needs } from "./aws/environment";
import { StepError } from "./aws/errors";
import { tell, tellPermissions, tellVariables } from "./aws/people";
import type { Permissions } from "./aws/permissions";
import { alarmMessage, readAlarm } from "./domain/messages/alarm";

/** Given by the deployment. */
export const variables = needs(...tellVariables);

export const permissions: Permissions = tellPermissions;

/** Lambda's event from an SNS topic. */
const eventSchema = z.object({ Records: z.array(z.object({ Sns: z.object({ Message: z.string() }) })).min(1) });

/**
 * Subscribed to the alarm topic. E-mail is subscribed there beside it, and so is not told twice, and is told also when this fails.
 *
 * @throws so that Lambda delivers the event again when a channel may take the message in a moment; StepFailed when none will
 */
export async function handler(event: unknown): Promise<void> {
    const parsed = eventSchema.safeParse(event);
    if (!parsed.success)
        throw new StepError("The event is not a delivery of SNS", "sendAlarm", "Subscribe this function to the alarm topic alone.");
    for (const { Sns } of parsed.data.Records) {
        const alarm = readAlarm(Sns.Message);
        if (alarm.worthTelling) await tell(alarmMessage(alarm), { except: ["topic"] });
    }
}

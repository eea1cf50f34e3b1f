/** Tells people, through every channel that is configured: aws/channels/ has one file each. */
import { withLinks } from "../domain/messages/links";
import type { Message } from "../domain/messages/message";
import { channels } from "./channels";
import { environment, needs } from "./environment";
import { TransientError } from "./errors";
import { log, toStepError } from "./handler";
import type { Permissions } from "./permissions";

/** The variables that all channels together read, for the list of a function that tells people. */
export const tellVariables = [
    ...channels.flatMap(({ variables }) => variables),
    ...needs("FORENSICS_ACCOUNT_ID", "DOCS_URL", "IDENTITY_CENTER"),
];

/** What all channels together need. */
export const tellPermissions: Permissions = (names) => channels.flatMap(({ permissions }) => permissions(names));

/** The message with links as the deployment says; as it is where that cannot be read: no setting of links keeps a message from people. */
function linkedAsDeployed(message: Message): Message {
    try {
        return withLinks(message, {
            forensicsAccountId: environment("FORENSICS_ACCOUNT_ID"),
            docsUrl: environment("DOCS_URL"),
            identityCenter: environment("IDENTITY_CENTER"),
        });
    } catch (error) {
        log("links are left as they are", { cause: String(error) });
        return message;
    }
}

/**
 * Sends a message through every configured channel, at least once.
 *
 * Channels do not wait for each other: when one fails, the others have been told. A transient failure is thrown so that
 * the caller is run again, which tells the others twice: being told twice is better than not at all. A failure that no
 * retry cures is only logged when another channel took the message.
 *
 * @param except channels by name that have the message already
 * @returns the channels told; empty when none is configured
 */
export async function tell(message: Message, { except = [] }: { except?: readonly string[] } = {}): Promise<string[]> {
    const used = channels.filter(({ name }) => !except.includes(name));
    const linked = linkedAsDeployed(message);
    const results = await Promise.allSettled(used.map((channel) => channel.send(linked)));
    const told: string[] = [];
    const errors: Error[] = [];
    results.forEach((result, index) => {
        const channel = used[index].name;
        if (result.status === "rejected") {
            const error = toStepError(`tell people by ${channel}`, result.reason);
            log("could not tell people", { channel, error: error.name, cause: error.message });
            errors.push(error);
        } else if (result.value.sent) told.push(channel);
        else log("channel not used", { channel, reason: result.value.reason });
    });
    const transient = errors.find((error) => error instanceof TransientError);
    if (transient) throw transient;
    if (told.length === 0 && errors.length > 0) throw errors[0];
    if (told.length === 0) log("NOBODY WAS TOLD: no channel is configured, or nobody is subscribed", { title: message.title });
    return told;
}

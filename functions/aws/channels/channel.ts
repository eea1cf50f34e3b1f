/** What every channel to people offers. A new one is a file beside this one, a renderer in `domain/channels/`, and a line in index.ts. */
import type { Message } from "../../domain/messages/message";
import type { VariableName } from "../environment";
import type { Permissions } from "../permissions";

export type Sent = { sent: true } | { sent: false; reason: string };

export interface Channel {
    /** As logs name it. */
    name: string;
    /** The variables that it reads. */
    variables: readonly VariableName[];
    /** What a function needs in order to send through it. */
    permissions: Permissions;
    /**
     * @returns sent: false with the reason where the channel is not configured or reaches nobody
     * @throws TransientError on what a retry may cure; StepError on what it does not
     */
    send(message: Message): Promise<Sent>;
}

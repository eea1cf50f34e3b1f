/** SQS in memory: queues take every message. */
import { createHash } from "node:crypto";

export class InMemorySqs {
    onSendMessage({ MessageBody }: { MessageBody: string }): unknown {
        return { MessageId: "1", MD5OfMessageBody: createHash("md5").update(MessageBody).digest("hex") };
    }
}

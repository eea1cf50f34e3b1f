/** Something was waited for and did not come. The message says what, and what was seen of the chain. */
export class WaitError extends Error {
    override readonly name = "WaitError";
}

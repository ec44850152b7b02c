/** What of a body or an event exceeds its limit: the bytes, the messages of a batch, or the depth of the JSON text. */
export type Excess = 'bytes' | 'messages' | 'depth';

import { actorName, cleanText } from '@credence/protocol';
import { z } from 'zod';

/** A record of one tool call: who is the human, who is the agent, and which run. It contains no token, no arguments and no result. */
export interface ToolCallRecord {
  /** When the call arrived. */
  readonly time: Date;
  /** The name of the tool. Undefined for a call without a name. */
  readonly tool?: string;
  /** Whether the token has the scopes of the tool. The tool can still fail. */
  readonly granted: boolean;
  /** The scopes that the token lacks, if the call was refused. */
  readonly missingScopes?: readonly string[];
  /** `sub` of the access token: the account that the call is for, such as the user. */
  readonly subject?: string;
  /** `act.sub` of the access token (RFC 8693 section 4.1): the bot that acts for the subject. */
  readonly actor?: string;
  /** The client that sent the request. */
  readonly clientId?: string;
  /** The issuer identifier of the authorization server. */
  readonly issuer?: string;
  /** The id of the run, as the client states it in the header `Credence-Run`. It is not verified. */
  readonly statedRun?: string;
}

const authSchema = z.object({
  clientId: z.string(),
  extra: z.object({
    subject: z.string().optional(),
    issuer: z.string().optional(),
    actor: z.record(z.string(), z.unknown()).optional(),
    statedRun: z.string().optional(),
  }),
});

/** The members of a record that the verified access token contains. */
export function callerInRecord(auth: unknown): Partial<ToolCallRecord> {
  const { data } = authSchema.safeParse(auth);
  if (data === undefined) return {};
  const { subject, issuer, actor, statedRun } = data.extra;
  const acting = actorName(actor);
  return {
    clientId: cleanText(data.clientId),
    ...(subject !== undefined && { subject: cleanText(subject) }),
    ...(acting !== undefined && { actor: cleanText(acting) }),
    ...(issuer !== undefined && { issuer }),
    ...(statedRun !== undefined && { statedRun }),
  };
}

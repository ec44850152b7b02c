import { stringField } from '../text/json.ts';

/** The name of the party in an `act` claim (RFC 8693 section 4.1). Undefined if it has none. */
export function actorName(act: Readonly<Record<string, unknown>> | undefined): string | undefined {
  return stringField(act, 'sub') ?? stringField(act, 'client_id');
}

import { BodyTooLargeError, boundedText } from '@credence/protocol';
import type { Parameters } from '../grant/parameters.ts';
import { GrantRefusal } from '../grant/refusal.ts';

/** RFC 6749 section 3.2: no parameter may be repeated. RFC 8707: except `resource`. */
const REPEATABLE = new Set(['resource']);
/** More parameters than a token request has. Limits the time to look for repeated ones. */
const MAX_PARAMETERS = 100;
const FORM = /^application\/x-www-form-urlencoded\s*(?:;|$)/iu;

export function isForm(contentType: string | null | undefined): boolean {
  return FORM.test(contentType ?? '');
}

/** The parameters of a token request. Throws GrantRefusal `invalid_request`. */
export async function readParameters(request: Request, maxBodyBytes: number): Promise<Parameters> {
  if (!isForm(request.headers.get('content-type'))) {
    await request.body?.cancel();
    throw new GrantRefusal('invalid_request', 'the body must be application/x-www-form-urlencoded');
  }
  const sent = new URLSearchParams(await bodyText(request, maxBodyBytes));
  if (sent.size > MAX_PARAMETERS) throw new GrantRefusal('invalid_request', 'there are too many parameters');
  const parameters = new Map<string, string[]>();
  for (const [name, value] of sent) {
    // RFC 6749 section 3.2: a parameter without a value counts as omitted.
    if (value === '') continue;
    const before = parameters.get(name) ?? [];
    if (before.length > 0 && !REPEATABLE.has(name)) {
      throw new GrantRefusal('invalid_request', 'a parameter is repeated');
    }
    parameters.set(name, [...before, value]);
  }
  return Object.fromEntries(parameters);
}

async function bodyText({ body }: Request, maxBytes: number): Promise<string> {
  try {
    return await boundedText(body, maxBytes, { fatal: true });
  } catch (error) {
    const what = error instanceof BodyTooLargeError ? 'is too large' : 'cannot be read';
    throw new GrantRefusal('invalid_request', `the body ${what}`);
  }
}

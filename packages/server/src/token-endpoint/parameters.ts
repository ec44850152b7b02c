import { GrantRefusal } from '../grant/refusal.ts';

/** RFC 6749 section 3.2: sent without a value is omitted, and repeated is refused; `resource` may repeat (RFC 8707). */
const REPEATABLE = new Set(['resource']);
/** More than a token request has, and few enough that looking each up among the others costs nothing. */
const MAX_PARAMETERS = 100;
const FORM = /^application\/x-www-form-urlencoded\s*(?:;|$)/iu;

export function isForm(contentType: string | null | undefined): boolean {
  return FORM.test(contentType ?? '');
}

/** The parameters of a token request. Throws GrantRefusal `invalid_request`. */
export async function readParameters(request: Request, maxBodyBytes: number): Promise<URLSearchParams> {
  if (!isForm(request.headers.get('content-type'))) {
    await request.body?.cancel();
    throw new GrantRefusal('invalid_request', 'the body must be application/x-www-form-urlencoded');
  }
  const sent = new URLSearchParams(await boundedBody(request, maxBodyBytes));
  if (sent.size > MAX_PARAMETERS) throw new GrantRefusal('invalid_request', 'there are too many parameters');
  const parameters = new URLSearchParams();
  for (const [name, value] of sent) {
    if (value === '') continue;
    if (parameters.has(name) && !REPEATABLE.has(name)) {
      throw new GrantRefusal('invalid_request', 'a parameter is repeated');
    }
    parameters.append(name, value);
  }
  return parameters;
}

export function requiredParameter(parameters: URLSearchParams, name: string): string {
  const value = parameters.get(name);
  if (value === null) throw new GrantRefusal('invalid_request', `${name} is required`);
  return value;
}

/** The `scope` parameter as a list; undefined where it is absent. */
export function scopeParameter(parameters: URLSearchParams): string[] | undefined {
  const scope = parameters.get('scope');
  return scope === null ? undefined : [...new Set(scope.split(' ').filter((entry) => entry !== ''))];
}

async function boundedBody(request: Request, maxBytes: number): Promise<string> {
  if (request.body === null) return '';
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const tooLarge = new GrantRefusal('invalid_request', 'the body is too large');
  let text = '';
  let bytes = 0;
  try {
    // Leaving the loop by a throw cancels the stream.
    for await (const chunk of request.body) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) throw tooLarge;
      text += decoder.decode(chunk, { stream: true });
    }
    return text + decoder.decode();
  } catch (error) {
    throw error === tooLarge ? tooLarge : new GrantRefusal('invalid_request', 'the body cannot be read');
  }
}

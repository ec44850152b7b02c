import { cleanText, isJsonObject, type JsonObject, parseJsonObject, stringField } from '@credence/protocol';
import { shownContentType } from './media-type.ts';

const HTML_TITLE = /<title[^>]{0,100}>([^<]{1,300})/iu;

interface Body {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body, if it is a JSON object and the content type is JSON or missing. */
  readonly json: JsonObject | undefined;
  readonly secrets?: readonly string[] | undefined;
}

/** Whether the body is a page for a browser. */
export function isHtml({ headers, text }: Pick<Body, 'headers' | 'text'>): boolean {
  if (parseJsonObject(text) !== undefined) return false;
  return (
    /^\s*(?:text\/html|application\/xhtml\+xml)\b/iu.test(headers.get('content-type') ?? '') ||
    /^\s*(?:<!--.{0,200}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b/isu.test(text.slice(0, 1_000))
  );
}

/** Whether the body is a JSON object under a content type that is not JSON. */
export function isMisnamedJson({ json, text }: Pick<Body, 'json' | 'text'>): boolean {
  return json === undefined && parseJsonObject(text) !== undefined;
}

/** What the body is, for a message: `an HTML page`. */
export function kindOfBody(body: Body): string {
  if (isMisnamedJson(body)) {
    return `JSON under ${shownContentType(body.headers)} instead of "application/json"`;
  }
  if (body.json !== undefined) return 'a JSON object';
  if (body.text.trim() === '') return 'an empty body';
  return isHtml(body) ? 'an HTML page' : 'something that is not a JSON object';
}

/**
 * The peer's own words in the body of a response that is a failure: the `title` and `detail` of problem+json (RFC 9457), an
 * `error_description`, the message of an error object, the title of an HTML page, or the beginning of a text. The words are cleaned
 * and have at most 300 characters. Undefined if there are none. Of a success only the title of an
 * HTML page is read: its body can contain a token.
 */
export function peerWords({ status, headers, text, secrets = [] }: Body): string | undefined {
  if (status < 400) return isHtml({ headers, text }) ? titleOf(text, secrets) : undefined;
  const json = parseJsonObject(text);
  const words = json === undefined ? wordsOfText(headers, text) : wordsOfJson(json);
  return cleanText(words ?? '', { secrets }) || undefined;
}

/** A page instead of an answer, such as that of a captive portal, says in its title what it is. */
function titleOf(text: string, secrets: readonly string[]): string | undefined {
  const [, title = ''] = HTML_TITLE.exec(text.slice(0, 8_192)) ?? [];
  return cleanText(title, { secrets }) || undefined;
}

function wordsOfJson(json: JsonObject): string | undefined {
  const { error } = json;
  const inner = isJsonObject(error) ? error : undefined;
  const words = [
    ...['title', 'detail', 'error_description', 'message', 'errorSummary'].map((member) => stringField(json, member)),
    stringField(inner, 'message'),
  ].filter((word) => word !== undefined && word.trim() !== '');
  return words.length === 0 ? stringField(json, 'error') : words.slice(0, 2).join(': ');
}

function wordsOfText(headers: Headers, text: string): string | undefined {
  const start = text.slice(0, 8_192);
  if (!isHtml({ headers, text: start })) return start;
  const [, title] = HTML_TITLE.exec(start) ?? [];
  return title ?? start.replace(/<(?:style|script)\b[^]*?<\/(?:style|script)>|<[^>]*>/giu, ' ').replace(/\s+/gu, ' ');
}

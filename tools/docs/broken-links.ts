import { dirname, join } from 'node:path/posix';

const HREF = /\bhref="(?<href>[^"]+)"/gu;
const ID = /\bid="(?<id>[^"]+)"/gu;

/**
 * The broken links of a site: links to a file or to a part of a page that does not exist. Links to other sites are not checked.
 *
 * @param files all files of the site by their path, with the text of the HTML files
 */
export function brokenLinks(files: ReadonlyMap<string, string>): string[] {
  const ids = new Map([...files].map(([path, text]) => [path, new Set(allOf(text, ID, 'id'))]));
  return [...files].flatMap(([path, text]) =>
    [...new Set(allOf(text, HREF, 'href'))]
      .filter((href) => !/^[a-z]+:/u.test(href))
      .filter((href) => {
        const [file = '', part = ''] = href.split('#').map(decodeURIComponent);
        const target = file === '' ? path : join(dirname(path), file);
        if (!files.has(target)) return true;
        return part !== '' && target.endsWith('.html') && ids.get(target)?.has(part) !== true;
      })
      .map((href) => `${path} links to ${href}`),
  );
}

function allOf(text: string, pattern: RegExp, group: string): string[] {
  return [...text.matchAll(pattern)].map(({ groups }) => groups?.[group] ?? '');
}

/**
 * Texts that a log, a host, an attacker or the author of a rule may send so that they are seen: each tries to run, to reorder, to hide,
 * to imitate or to burst its row. Every one begins with MARK, so that a test finds where it is shown.
 */
export const MARK = 'hlc';

export const corpus = {
  script: `${MARK}<script>window.ran='script'</script><img src=x onerror="window.ran='img'"><svg/onload=window.ran='svg'>`,
  attribute: `${MARK}"' onmouseover="window.ran='attribute'" autofocus onfocus="window.ran='focus'" x="`,
  address: `${MARK} javascript:window.ran='link' https://198.51.100.7/a?b=c <a href="javascript:window.ran='a'">bấm</a>`,
  markup: `${MARK} **đậm** [bấm](javascript:window.ran=1) ![x](http://198.51.100.7/x.png) {{constructor.constructor('window.ran=1')()}} \${7*7} %s %n`,
  formula: `${MARK}\t=HYPERLINK("http://198.51.100.7/","bấm")`,
  ansi: `${MARK}\u001B[31mđỏ\u001B[0m\u001B]0;tiêu đề\u0007\u001B[2J\u009B31m`,
  bidi: `${MARK} hoadon\u202Efdp.exe \u2066abc\u2069 \u200F\u061C\u2067שלום\u2069`,
  hidden: `${MARK} ad\u200Bmin\u200D\uFEFF\u2060\u00AD\u3164\u{E0041}\u{E007F}`,
  homoglyph: `${MARK}-p\u0430yp\u0430l-\u0501vc.example`,
  breaks: `${MARK} dòng 1\ndòng 2\r\ndòng 3\u2028dòng 4\u2029dòng 5\u0085dòng 6\vdòng 7\fdòng 8`,
  controls: `${MARK} \u0000\u0001\u0008\u007F\u0080\u009F`,
  surrogate: `${MARK} \uD800 một nửa \uDC00`,
  marks: `${MARK} a${'\u0301'.repeat(500)} e${'\u0323\u0302'.repeat(250)}`,
  tall: `${MARK} ﷽ ꧅ 𒐫 ဪ ༼ༀ༽ ${'ༀ'.repeat(40)}`,
  wide: `${MARK}${'W'.repeat(3000)}`,
  name: `${MARK}-${'a-rất-dài-'.repeat(60)}.example`,
  vietnamese: `${MARK} Ổ ậ Ặ ữ ễ Đường ống nghẽn`.normalize('NFD'),
} as const;

export type Hostile = keyof typeof corpus;

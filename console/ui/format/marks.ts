/** Lower case without marks, đ as d: "Sở Y tế" and "so y te" meet. */
export function bare(s: string): string {
  return s.normalize('NFD').replace(/\p{M}/gu, '').replace(/[đĐ]/g, 'd').toLowerCase();
}

import { type ThemeConfig, theme } from 'antd';
import { face, palettes, type ThemeName } from './tokens';

/** The Ant Design theme of a palette. Not its compact algorithm: that makes 10 px text. */
export function antTheme(name: ThemeName): ThemeConfig {
  const p = palettes[name];
  const fill = { colorPrimary: p.accent.fill, colorPrimaryHover: p.accent.hover, colorPrimaryActive: p.accent.hover };
  return {
    algorithm: name === 'dark' ? theme.darkAlgorithm : theme.defaultAlgorithm,
    cssVar: { key: 'hoalu' },
    hashed: false,
    token: {
      colorPrimary: p.accent.fill,
      colorPrimaryHover: p.accent.hover,
      colorPrimaryActive: p.accent.hover,
      colorTextLightSolid: p.accent.on,
      colorInfo: p.info.text,
      colorSuccess: p.ok.text,
      colorWarning: p.warn.text,
      colorError: p.danger.text,
      colorLink: p.accent.text,
      colorLinkHover: p.accent.text,
      colorText: p.text.base,
      colorTextHeading: p.text.base,
      colorTextSecondary: p.text.two,
      colorTextTertiary: p.text.three,
      colorTextQuaternary: p.text.three,
      colorTextPlaceholder: p.text.three,
      colorTextDescription: p.text.three,
      colorTextDisabled: p.text.three,
      colorBgContainer: p.bg.surface,
      colorBgElevated: p.bg.surface,
      colorBgLayout: p.bg.app,
      colorBgContainerDisabled: p.bg.subtle,
      colorBorder: p.line.strong,
      colorBorderSecondary: p.line.base,
      colorFillSecondary: p.bg.hover,
      colorFillTertiary: p.bg.hover,
      controlItemBgActive: p.bg.selected,
      controlItemBgHover: p.bg.hover,
      fontFamily: face.text,
      fontFamilyCode: face.mono,
      fontSize: 13,
      lineHeight: 21 / 13,
      borderRadius: 4,
      borderRadiusSM: 3,
      borderRadiusLG: 6,
      controlHeight: 30,
      controlHeightSM: 26,
      boxShadow: p.shadow,
      boxShadowSecondary: p.shadow,
      motion: false,
      wireframe: false,
    },
    components: {
      // the dark algorithm would dim the fill
      Button: { primaryShadow: 'none', defaultShadow: 'none', fontWeight: 500, ...fill },
      Checkbox: fill,
      // the chosen line of a menu: its words, not only its ground, are told apart
      Dropdown: { colorPrimary: p.accent.text, controlItemBgActive: p.bg.selected },
      Modal: { titleFontSize: 15 },
    },
  };
}

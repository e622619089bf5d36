//! A link as a QR code: in a terminal, as a PNG, as an SVG.

use std::fmt::Write as _;

use anyhow::Context as _;
use qrcode::{Color, EcLevel, QrCode};

/// The light border that readers want, in modules (ISO 18004).
const QUIET: usize = 4;
/// The side of a module in a picture, in pixels.
const PIXELS: usize = 8;

/// The modules of a QR code, border included.
pub(super) struct Qr {
    side: usize,
    dark: Vec<bool>,
}

impl Qr {
    /// The code of a text.
    ///
    /// # Errors
    /// If the text is too long for one.
    pub(super) fn new(text: &str) -> anyhow::Result<Self> {
        let code =
            QrCode::with_error_correction_level(text, EcLevel::M).context("the link is too long for a QR code")?;
        let (inner, colors) = (code.width(), code.to_colors());
        let side = inner + 2 * QUIET;
        let dark_at = |at: usize| {
            let (row, column) = ((at / side).checked_sub(QUIET)?, (at % side).checked_sub(QUIET)?);
            (row < inner && column < inner).then(|| colors[row * inner + column] == Color::Dark)
        };
        Ok(Self { side, dark: (0..side * side).map(|at| dark_at(at).unwrap_or_default()).collect() })
    }

    fn is_dark(&self, row: usize, column: usize) -> bool {
        row < self.side && self.dark[row * self.side + column]
    }

    /// For a terminal: two rows of modules in a line, light ones drawn, in black and white whatever the terminal's
    /// colours.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for row in (0..self.side).step_by(2) {
            text.push_str("\x1b[38;5;231;48;5;16m");
            let half = |column| match (self.is_dark(row, column), self.is_dark(row + 1, column)) {
                (false, false) => '█',
                (false, true) => '▀',
                (true, false) => '▄',
                (true, true) => ' ',
            };
            text.extend((0..self.side).map(half));
            text.push_str("\x1b[0m\n");
        }
        text
    }

    /// As an SVG document.
    pub(super) fn svg(&self) -> String {
        let mut path = String::new();
        for (at, _) in self.dark.iter().enumerate().filter(|(_, dark)| **dark) {
            // Writing to a String cannot fail.
            let _ = write!(path, "M{} {}h1v1h-1z", at % self.side, at / self.side);
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
             <path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path d=\"{path}\"/></svg>\n",
            side = self.side
        )
    }

    /// As a PNG file.
    pub(super) fn png(&self) -> anyhow::Result<Vec<u8>> {
        let width = self.side * PIXELS;
        let pixel = |at: usize| if self.is_dark(at / width / PIXELS, at % width / PIXELS) { 0 } else { 255 };
        let pixels: Vec<u8> = (0..width * width).map(pixel).collect();
        let (mut file, size) = (Vec::new(), u32::try_from(width)?);
        let mut encoder = png::Encoder::new(&mut file, size, size);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header()?.write_image_data(&pixels)?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_a_light_border_and_three_corners_that_are_alike() {
        let qr = Qr::new("https://t.me/acme_sales_bot?start=summer").unwrap();
        let corner = |row: usize, column: usize| -> Vec<bool> {
            (0..49).map(|at| qr.is_dark(QUIET + row + at / 7, QUIET + column + at % 7)).collect()
        };
        let far = qr.side - 2 * QUIET - 7;
        assert_eq!(corner(0, 0), corner(0, far));
        assert_eq!(corner(0, 0), corner(far, 0));
        assert!(
            (0..qr.side).all(|at| !qr.is_dark(at, 0) && !qr.is_dark(QUIET - 1, at) && !qr.is_dark(qr.side - 1, at))
        );
        let widths: Vec<_> = qr.text().lines().map(|line| line.matches(['█', '▀', '▄', ' ']).count()).collect();
        assert!(widths.iter().all(|width| *width == qr.side && *width <= 80), "{widths:?}");
        assert_eq!(widths.len(), qr.side.div_ceil(2));
    }

    #[test]
    fn the_pictures_show_the_same_modules() {
        let qr = Qr::new("x").unwrap();
        let dark = qr.dark.iter().filter(|dark| **dark).count();
        assert!(dark > 100);
        assert_eq!(qr.svg().matches("h1v1h-1z").count(), dark);
        let png = qr.png().unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!(pixels.iter().map(|pixel| usize::from(*pixel < 128)).sum::<usize>(), dark * PIXELS * PIXELS);
    }

    #[test]
    fn too_much_for_a_code_is_refused() {
        assert!(Qr::new(&"x".repeat(3000)).is_err());
    }
}
